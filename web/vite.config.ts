import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
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

/** What `main.tsx` imports besides the application and the pages: it comes first, and by itself. */
const FIRST = /\/src\/(app\/(main|pages)|api\/client|domain\/(builderList|builds|hashLinks|language|logs|states|waiting)|pages\/\w+\/questions)\.tsx?$|vite\/preload-helper|rolldown\/runtime/;
/** It asks for the page's data: each kB of it makes that later. */
const FIRST_BYTES = 24_000;

/** The application is fetched with the page, not only when `main.tsx` asks for it. */
const first: Plugin = {
  name: 'first',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler(_, { bundle, chunk: main }) {
      const chunks = Object.values(bundle ?? {}).filter((one) => one.type === 'chunk');
      const bytes = chunks.filter((one) => main?.imports.includes(one.fileName) || one === main).reduce((sum, one) => sum + one.code.length, 0);
      if (bytes > FIRST_BYTES) throw new Error(`What main.tsx imports has ${bytes} bytes, more than ${FIRST_BYTES}: see FIRST.`);
      const application = chunks.find((one) => one.facadeModuleId?.endsWith('/src/app/application.tsx'));
      const wanted = chunks.filter((one) => one === application || application?.imports.includes(one.fileName));
      const styles = new Set(wanted.flatMap((one) => [...(one.viteMetadata?.importedCss ?? [])]));
      return [
        ...wanted
          .filter((one) => one !== main && !main?.imports.includes(one.fileName))
          .map((one) => link({ rel: 'modulepreload', href: `./${one.fileName}` })),
        ...[...styles].map((name) => link({ rel: 'stylesheet', href: `./${name}` })),
      ];
    },
  },
};

const link = (attrs: Record<string, string>) => ({
  tag: 'link',
  attrs: { crossorigin: true, ...attrs },
  injectTo: 'head' as const,
});

export default defineConfig({
  // Relative addresses: a proxy may serve the master at any path. The server sets `<base>`.
  base: './',
  plugins: [react(), first, compressed, licences],
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
        codeSplitting: {
          groups: [
            { name: 'first', test: FIRST, priority: 1 },
            { name: 'common', minShareCount: 4 },
            // The frame has them: not a file for each that a page shares with it.
            { name: 'icons', test: /@tabler|@mantine\/hooks|\/src\/domain\/(dashboards|links)\./, minShareCount: 2 },
          ],
        },
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
