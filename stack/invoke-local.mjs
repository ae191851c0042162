import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * `serverless invoke local` looks for `.js` and `.cjs` alone, and a bundle is an `.mjs`, as Lambda wants modules.
 * So the bundle gets a `.cjs` beside it that hands it on.
 */
export default class InvokeLocal {
  constructor(serverless, options) {
    this.hooks = {
      // serverless-esbuild, listed earlier, has just bundled, and made its folder the service's.
      'before:invoke:local:invoke': async () => {
        const { handler } = serverless.service.getFunction(options.function);
        const bundle = join(serverless.config.servicePath, handler.replace(/\.\w+$/, ''));
        await writeFile(
          `${bundle}.cjs`,
          `module.exports = require('./${basename(bundle)}.mjs');\n`,
        );
      },
    };
  }
}
