export const local = undefined as never;
