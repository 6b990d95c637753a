import { type Arguments, checkCount } from './arguments.js';
import { formatConfigSchema } from './config-schema.js';
import { print } from './print.js';
import { FDPASS } from './syntax.js';

/** `fdpass schema`: the JSON Schema of the config, with the strategies that are built in and those of its plugins. */
export async function schema(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 0);
  const config = args.value('config');
  await print(await formatConfigSchema(config === undefined ? {} : { file: config }));
  return 0;
}
