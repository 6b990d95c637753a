/** The part of Standard Schema v1 (https://standardschema.dev) that fdpass uses: any library that implements it will do. */
export interface StandardSchema<Output = unknown> {
  /** What the specification says an object must have, version 1. */
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** A converted value, or what is wrong (Standard Schema version 1). */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value (Standard Schema version 1). */
export interface SchemaIssue {
  /** What is wrong, in words. */
  readonly message: string;
  /** Where: the keys from the outermost value inwards. Default: the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
