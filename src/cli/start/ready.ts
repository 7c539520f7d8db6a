import { relative } from 'node:path';
import { styleText } from 'node:util';
import type { Authority } from '../../authority/index.ts';
import type { RunningProxy } from '../../proxy/index.ts';
import { shellWord } from '../shell-word.ts';
import { table } from '../table.ts';
import { packageVersion } from '../version.ts';
import type { StartSettings } from './settings.ts';

type Urls = RunningProxy['urls'];

/** The first line on stdout with `--json`: where everything listens. */
export function readyLine({ ingress, egress, control, admin }: Urls): string {
  return JSON.stringify({
    event: 'ready',
    ingress: { url: ingress },
    egress: { url: egress },
    control: { url: control },
    admin: { url: admin },
  });
}

/** What HTTPS needs: our certificate authority in the places where each language looks for such. */
function httpsText({ egress }: Urls, { tls }: StartSettings, { certFile }: Authority): string {
  const flags = [
    ...(egress === 'http://127.0.0.1:8084' ? [] : ['--egress-url', egress]),
    ...Object.entries({
      '--ca-dir': tls.authority?.folder,
      '--ca-cert': tls.authority?.certFile,
      '--ca-key': tls.authority?.keyFile,
    }).flatMap(([flag, path]) => (path === undefined ? [] : [flag, shellWord(path)])),
  ];
  return `For HTTPS as well, with the settings by which each language trusts ${certFile}:
  eval "$(${['softprobe-proxy env', ...flags].join(' ')})"
Or leave all of it to one command: softprobe-proxy run --capture FILE -- COMMAND`;
}

function tunnelText({ egress }: Urls): string {
  return `HTTPS passes untouched (--no-intercept):
  export HTTPS_PROXY=${egress} https_proxy=${egress}`;
}

/**
 * The same for a person, with the next step.
 *
 * @param authority undefined where HTTPS is not looked into
 */
export function readyText(urls: Urls, settings: StartSettings, authority: Authority | undefined): string {
  const bold = (text: string) => styleText('bold', text);
  const dim = (text: string) => styleText('dim', text);
  const { appUrl, captureDir, captureFile, apiToken } = settings.proxy;
  const captures = captureFile ?? captureDir;
  const where = table([
    ['  ingress', urls.ingress, `your tests call this; it forwards to ${appUrl}`],
    ['  egress', urls.egress, 'your service calls the world through this'],
    ['  control', urls.control, `sessions, rules and cases${apiToken ? ' (token required)' : ''}`],
    ['  admin', urls.admin, '/ready and /metrics'],
  ]);
  const token = apiToken ? ' -H "authorization: Bearer $SOFTPROBE_API_TOKEN"' : '';
  return `${bold(`softprobe-proxy ${packageVersion()} is ready`)}

${where}

Start your service so that it calls out through the proxy (Node.js needs the second line):
  export HTTP_PROXY=${urls.egress} http_proxy=${urls.egress} NO_PROXY= no_proxy=
  export NODE_USE_ENV_PROXY=1
${authority === undefined ? tunnelText(urls) : httpsText(urls, settings, authority)}

Then record a run: open a session, send its id along, close it.
  curl -s ${urls.control}/v1/sessions${token} -d '{"mode":"capture"}'
  curl -s ${urls.ingress}/ -H 'x-softprobe-session-id: <sessionId>'
  curl -s -X POST ${urls.control}/v1/sessions/<sessionId>/close${token}

${dim(`Captures go to ${relative('', captures) || '.'}. Ctrl-C lets open requests finish, writes open captures, and stops.`)}
`;
}
