import { defineConfig } from "vitest/config";

/** `npm run test:conformance`: what others specified, held against what others wrote. */
export default defineConfig({
  test: {
    include: ["test/conformance/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    testTimeout: 400_000,
    hookTimeout: 400_000,
  },
});
