/** A user name and a password. Never shown, logged or put into a command line. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}
