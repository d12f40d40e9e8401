import { defineConfig } from "vitest/config";

const server = process.env["VISAVIS_SERVER"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  build: {
    outDir: "dist",
    target: "es2022",
    // Everything stays a file of its own: the server's Content-Security-Policy allows no data: scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  worker: { format: "es" },
  server: {
    proxy: {
      "/v1": { target: server, ws: true },
      "/api": server,
      "/heads": server,
    },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
