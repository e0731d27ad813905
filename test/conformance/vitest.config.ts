import { defineConfig } from "vitest/config";

/** `npm run test:conformance`: GraphQL over HTTP, audited from outside. */
export default defineConfig({
  test: {
    include: ["test/conformance/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
