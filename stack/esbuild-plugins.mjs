/**
 * A dynamic import of the AWS SDK stays an import: it is for what a function needs only with some settings, and
 * the Lambda runtime brings an SDK for that. A static import is bundled, at the version of the lockfile.
 */
const dynamicSdkImportsStay = {
  name: 'dynamic-sdk-imports-stay',
  setup(build) {
    build.onResolve({ filter: /^@aws-sdk\// }, ({ kind }) =>
      kind === 'dynamic-import' ? { external: true } : undefined,
    );
  },
};

export default [dynamicSdkImportsStay];
