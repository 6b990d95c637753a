/** A user name and a password. Never shown, logged or put into a command line. */
export interface Credentials {
  /** As it is sent. */
  readonly username: string;
  /** As it is sent; may be empty only where a URL says so. */
  readonly password: string;
}
