import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Shell } from './support/shell.ts';
import { TestAuthority } from './support/test-authority.ts';

/*
 * The commands of docs/transparent.md, run as they stand there, in a network of their own: the machine's is not
 * touched, and all that was started goes with it.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = await readFile(join(root, 'docs/transparent.md'), 'utf8');

/** Namespaces for network, mounts and processes. */
const OWN_NETWORK = 'unshare --net --mount --pid --mount-proc --fork --kill-child'.split(' ');

/** Who is redirected: a user that every machine has. */
const USER = 'nobody';

/** A command block of a walk on the page, and the output that stands below it, if any. */
interface Step {
  readonly commands: string;
  readonly output: string;
  readonly inBackground: boolean;
}

function stepsOf(walk: string): Step[] {
  const step = new RegExp(
    `<!-- walk: ${walk}(, in the background)? -->\n\`\`\`sh\n(.*?)\`\`\`\n(?:\n\`\`\`text\n(.*?)\`\`\`)?`,
    'gs',
  );
  return Array.from(page.matchAll(step), ([, background, commands = '', output = '']) => ({
    commands,
    output,
    inBackground: background !== undefined,
  }));
}

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-transparent-'));
  // The redirected user reads a certificate here.
  await chmod(folder, 0o755);
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.server(['api.example.com']);
  await writeFile(join(folder, 'upstream-ca.pem'), authority.certificate);
  await writeFile(join(folder, 'cert.pem'), cert);
  await writeFile(join(folder, 'key.pem'), key);
  await writeFile(join(folder, 'hosts'), '198.51.100.7 api.example.com\n2001:db8::7 api.example.com\n');
});
after(() => rm(folder, { recursive: true, force: true }));

/** A shell in a network where `api.example.com` is the only other host. */
async function openShell(): Promise<Shell> {
  const shell = new Shell(folder, OWN_NETWORK);
  const q = (text: string) => `'${text}'`;
  await shell.run(`
    export SOFTPROBE_CA_DIR=${q(join(folder, 'ca'))}
    mount -t tmpfs none /run
    mount --bind hosts /etc/hosts
    ip link set lo up
    ip addr add 198.51.100.7/32 dev lo
    ip -6 addr add 2001:db8::7/128 dev lo || true
    CERT=cert.pem KEY=key.pem ${q(process.execPath)} ${q(join(root, 'test/e2e/support/apps/world.ts'))} >world.log 2>&1 &
    until grep -q there world.log; do sleep 0.05; done`);
  return shell;
}

/** A step's commands for here: we are root, and have a user of another name. */
function here({ commands, inBackground }: Step): string {
  const local = commands
    .replaceAll('sudo -u app', `setpriv --reuid ${USER} --clear-groups`)
    .replaceAll('sudo ', '')
    .replaceAll('--uid-owner app', `--uid-owner ${USER}`)
    .replaceAll('skuid app', `skuid ${USER}`)
    .replaceAll('npx softprobe-proxy --', 'npx softprobe-proxy start --upstream-ca upstream-ca.pem --')
    .replaceAll('npx softprobe-proxy', `'${process.execPath}' '${join(root, 'bin/softprobe-proxy.js')}'`);
  if (!inBackground) return local;
  const host = /--host (\S+)/.exec(commands)?.[1] ?? '127.0.0.1';
  // Either it comes up or it ends, and then what it said is the error.
  return `${local.trim()} >proxy.log 2>&1 &
    until curl -sf http://${host}:18001/ready >/dev/null; do kill -0 $! || { cat proxy.log >&2; false; }; sleep 0.05; done`;
}

/** What differs from run to run, made the same. */
function normalize(output: string): string {
  return output
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time')
    .replaceAll(/\d+\.\d\b/g, 'ms')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
}

/** Takes some steps of a walk and checks what they print. */
async function walk(shell: Shell, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    assert.equal(normalize(await shell.run(here(step))), normalize(step.output), step.commands);
  }
}

/** Why a walk cannot be taken here. */
function whyNot(...commands: string[]): string | false {
  const [program = '', ...args] = OWN_NETWORK;
  try {
    const needed = ['mount -t tmpfs none /run', 'jq --version', 'curl --version', ...commands];
    execFileSync(program, [...args, 'sh', '-ec', needed.join('\n')], { encoding: 'utf8', stdio: 'pipe' });
    return false;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    return `it takes root and a network namespace: ${said || String(error)}`;
  }
}

const redirect = '-j REDIRECT --to-ports 8084';
const byUser = `iptables -t nat -A OUTPUT -p tcp --dport 80 -m owner --uid-owner ${USER} ${redirect}`;

describe('redirected connections are recorded', () => {
  it('by user', { skip: whyNot(byUser, `setpriv --reuid ${USER} --clear-groups true`) }, async () => {
    const steps = stepsOf('by user');
    assert.equal(steps.length, 6);
    await using shell = await openShell();
    await walk(shell, steps);
    assert.equal(
      await shell.run('iptables -t nat -S OUTPUT; ip6tables -S OUTPUT'),
      '-P OUTPUT ACCEPT\n'.repeat(2),
    );
  });

  it('by nftables, until its table is deleted', { skip: whyNot(byUser, 'nft --version') }, async () => {
    const [trust, start] = stepsOf('by user');
    const [add, remove] = stepsOf('by nftables');
    assert.ok(trust && start && add && remove);
    await using shell = await openShell();
    await walk(shell, [trust, start]);
    const issuer = `setpriv --reuid ${USER} --clear-groups curl -4 -sv --cacert upstream-ca.pem https://api.example.com/ 2>&1 | grep issuer || true`;
    assert.match(await shell.run(issuer), /Test CA/);
    await walk(shell, [add]);
    const asked = `setpriv --reuid ${USER} --clear-groups curl -4 -s --cacert softprobe-ca.pem https://api.example.com/x`;
    assert.equal(await shell.run(asked), 'GET /x over https\n');
    await walk(shell, [remove]);
    assert.match(await shell.run(issuer), /Test CA/);
  });

  it('by network namespace', {
    skip: whyNot('mkdir /run/netns', 'ip netns add app', byUser),
  }, async () => {
    const steps = stepsOf('by namespace');
    assert.equal(steps.length, 4);
    await using shell = await openShell();
    await walk(shell, steps);
    assert.equal(await shell.run('iptables -t nat -S PREROUTING; ip netns list'), '-P PREROUTING ACCEPT\n');
  });
});
