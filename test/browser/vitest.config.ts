import { defineConfig } from "vitest/config";

/** `npm run test:browser`: the playground in a real Chromium, against the real Worker. */
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    testTimeout: 400_000,
    hookTimeout: 400_000,
    // What a click causes is painted a moment later, on a busy machine a long moment.
    expect: { poll: { timeout: 30_000 } },
    // A second try in a fresh page: a browser on two shared cores now and then starves for seconds.
    retry: 1,
    // One browser and one model at a time: two cores are no place for more. One process, for its Worker serves all files.
    fileParallelism: false,
    isolate: false,
  },
});
