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

/** The licences of what the bundle contains, for the page About: from what is installed. */
const licences = {
  name: 'licences',
  resolveId: (id: string) => (id === 'virtual:licences' ? `\0${id}` : undefined),
  load(id: string) {
    if (id !== '\0virtual:licences') return undefined;
    const root = fileURLToPath(new URL('.', import.meta.url));
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; license?: string; dev?: boolean; optional?: boolean }>;
    };
    const found = Object.entries(packages)
      .filter(([place, one]) => place.startsWith('node_modules/') && !one.dev && !one.optional)
      .map(([place, one]) => {
        const file = readdirSync(join(root, place)).find((name) => /^licen[sc]e/i.test(name));
        return {
          name: place.replace(/^.*node_modules\//, ''),
          version: one.version,
          licence: one.license ?? 'see its text',
          text: file === undefined ? '' : readFileSync(join(root, place, file), 'utf8'),
        };
      });
    return `export default ${JSON.stringify(found)}`;
  },
};

export default defineConfig({
  // Relative addresses: a proxy may serve the master at any path. The server sets `<base>`.
  base: './',
  plugins: [react(), compressed, licences],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: '../src/chargehand/web/ui',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What most pages need is one file: a browser takes as long for a small file as for a large one.
        codeSplitting: { groups: [{ name: 'common', minShareCount: 4 }] },
      },
    },
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
