// A plain file server: no headers of its own beyond the content type, so that a test says all others itself.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
}

export interface Site {
  readonly url: string
  close(): Promise<void>
}

/** Serves a folder; `pages` are texts that take the place of files. */
export async function serve(folder: string, headers: Readonly<Record<string, string>> = {}, pages: Readonly<Record<string, string>> = {}): Promise<Site> {
  const server = createServer(async (request, response) => {
    const asked = normalize(new URL(request.url ?? '/', 'http://host').pathname)
    const path = asked.endsWith('/') ? `${asked}index.html` : asked
    const body = Object.hasOwn(pages, path) ? pages[path] : await readFile(join(folder, path)).catch(() => null)
    response.writeHead(body === null ? 404 : 200, { ...headers, 'Content-Type': types[extname(path)] ?? 'application/octet-stream' })
    response.end(body ?? 'not found')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
