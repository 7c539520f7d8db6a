/** The four listeners as the command line knows them (CONTRACT section 1). */
export const listeners = [
  { name: 'ingress', flag: 'ingress-port', port: 8082 },
  { name: 'egress', flag: 'egress-port', port: 8084 },
  { name: 'control', flag: 'control-port', port: 8080 },
  { name: 'admin', flag: 'admin-port', port: 18001 },
] as const;
