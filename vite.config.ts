// The playground: served in development, built for publishing. Also the home of what all configurations share.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import type { Plugin, PreviewServer, UserConfig, ViteDevServer } from 'vite'
import { classNames } from './scripts/class-names.mjs'
import { apiDocs } from './web/tooling/api-docs.ts'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Cross-origin isolation, which threads need. */
export const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** Inside this repository `lampas` and `lampas/nn` are the sources. */
export const shared = {
  resolve: {
    alias: [
      { find: /^lampas$/, replacement: path('src/index.ts') },
      { find: /^lampas\/lite$/, replacement: path('src/lite.ts') },
      { find: /^lampas\/(\w+)$/, replacement: path('src/$1/index.ts') },
    ],
  },
  oxc: { target: 'es2022' },
} satisfies UserConfig

/** Without this the servers would answer `/check` with the playground, and only `/check/` with its page. */
const folders = ({ middlewares }: ViteDevServer | PreviewServer): void => {
  middlewares.use('/check', ({ originalUrl }, response, next) => (originalUrl === '/check' ? response.writeHead(302, { Location: '/check/' }).end() : next()))
}
const redirects: Plugin = { name: 'folders', configureServer: folders, configurePreviewServer: folders }

export default defineConfig({
  ...shared,
  root: path('web'),
  base: './',
  plugins: [redirects, classNames, apiDocs([...['symbolic', 'io', 'autograd', 'data', 'eager', 'graph', 'nn', 'ops', 'optim'].map(floor => path(`src/${floor}`)), path('web/worker')])],
  server: { headers: isolation, fs: { allow: [path('.')] } },
  preview: { headers: isolation },
  worker: { format: 'es', plugins: () => [classNames] },
  build: {
    outDir: path('build/web'),
    emptyOutDir: true,
    rolldownOptions: { input: [path('web/index.html'), path('web/check/index.html')] },
    target: 'es2022',
    // Browsers that know light-dark(), so that it stays as it is written.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The editor is most of the page.
    chunkSizeWarningLimit: 1000,
  },
})
