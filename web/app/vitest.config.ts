// The unit tests: pure parts under Node's speed, a page only where one is needed.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['test/**/*.test.{ts,tsx}'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 30_000,
  },
  resolve: { alias: { '@zvonok/client/tunnel': new URL('../client/src/tunnel/index.ts', import.meta.url).pathname, '@zvonok/client': new URL('../client/src/index.ts', import.meta.url).pathname } },
});
