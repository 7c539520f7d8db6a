import { once } from 'node:events';
import { type AddressInfo, isIP } from 'node:net';
import { connect, createServer, type TlsOptions } from 'node:tls';

/**
 * A real TLS handshake on loopback; the client trusts `ca` alone and verifies that the server is `host`: a name that
 * it says in the handshake, or the loopback address that it connects to.
 *
 * @returns the subject alternative names that the client saw
 * @throws what the client refuses the certificate for
 */
export async function handshake(
  server: TlsOptions,
  { ca, host }: { ca: string; host: string },
): Promise<string | undefined> {
  const listening = createServer(server, (socket) => socket.end());
  // The client's refusal is what counts; the server hears of it too.
  listening.on('tlsClientError', () => undefined);
  const isAddress = isIP(host) > 0;
  const address = isAddress ? host : '127.0.0.1';
  await once(listening.listen(0, address), 'listening');
  const { port } = listening.address() as AddressInfo;
  const client = connect({ host: address, port, ca, ...(!isAddress && { servername: host }) });
  try {
    await once(client, 'secureConnect');
    return client.getPeerCertificate().subjectaltname;
  } finally {
    client.destroy();
    listening.close();
  }
}
