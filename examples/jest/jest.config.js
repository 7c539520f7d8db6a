// The package is an ES module: Jest runs such tests as they are, without a transform.
export default { transform: {}, testEnvironment: 'node' };
