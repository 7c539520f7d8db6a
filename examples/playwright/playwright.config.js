import { defineConfig } from '@playwright/test';

export default defineConfig({
  testMatch: '*.spec.js',
  reporter: 'list',
  outputDir: '../../node_modules/.cache/playwright',
});
