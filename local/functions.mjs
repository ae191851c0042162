// serverless-offline, in a process that ends with the one that started it, however that one ends.
process.on('disconnect', () => process.exit(0));
await import('serverless/bin/serverless.js');
