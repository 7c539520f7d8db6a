/** A contender that this machine does not have, and cannot get now: its rows are left out, and the report says so. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
