import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The running master that `make ui` talks to.
const master = process.env.MASTER ?? 'http://localhost:8010';
const proxied = ['/api', '/auth', '/avatar', '/config', '/ws', '/plain', '/badges'];

/** Compressed once, when built: the master only hands files out. */
const compressed = {
  name: 'compressed',
  apply: 'build' as const,
  writeBundle(options: { dir?: string }) {
    const place = join(options.dir ?? '.', 'assets');
    for (const name of readdirSync(place)) {
      if (!/\.(js|css|svg|json)$/.test(name)) continue;
      const content = readFileSync(join(place, name));
      if (content.length < 600) continue;
      writeFileSync(join(place, `${name}.gz`), gzipSync(content, { level: 9 }));
      const quality = { [constants.BROTLI_PARAM_QUALITY]: 10 };
      writeFileSync(join(place, `${name}.br`), brotliCompressSync(content, { params: quality }));
    }
  },
};

export default defineConfig({
  // Relative addresses: a proxy may serve the master at any path. The server sets `<base>`.
  base: './',
  plugins: [react(), compressed],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: '../src/chargehand/web/ui',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: Object.fromEntries(
      proxied.map((path) => [
        path,
        { target: master, changeOrigin: true, ws: path === '/ws', headers: { Origin: master } },
      ]),
    ),
  },
  test: { environment: 'happy-dom', globals: true, setupFiles: ['./src/app/testing.ts'] },
});
