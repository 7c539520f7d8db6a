export default { cacheDir: '../../node_modules/.cache/vitest' };
