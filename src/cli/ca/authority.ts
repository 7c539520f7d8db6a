import { type Authority, AuthorityError, openAuthority } from '../../authority/index.ts';
import type { Invocation } from '../command.ts';
import { CliFailure } from '../failure.ts';
import { readAuthorityOptions } from '../start/tls-settings.ts';

/**
 * Opens the authority that the flags or the environment of a `ca` command name; makes it where there is none yet.
 *
 * @throws {CliFailure} that says what to do
 */
export async function openCommandAuthority({ args, environment }: Invocation): Promise<Authority> {
  const options = readAuthorityOptions(args, environment);
  try {
    return await openAuthority(options);
  } catch (cause) {
    if (!(cause instanceof AuthorityError)) throw cause;
    throw new CliFailure(`the certificate authority: ${cause.message}`, {
      code: `authority_${cause.code}`,
      cause,
    });
  }
}
