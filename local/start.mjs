// Plain JavaScript, so that an old Node can still say what is wrong with it.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `Latchkey needs Node 24, this is ${process.version}: start it with "npm start" after "npm ci", which brings one`,
  );
  process.exit(1);
}
const { main } = await import('./main.ts');
await main();
