// `npm start`: from a fresh clone to the playground in the browser.
import { install, root } from './setup.mjs'

const port = Number(process.env.PORT || 5173)
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error(`PORT must be a number from 1 to 65535; it is '${process.env.PORT}'.`)
  process.exit(1)
}

await install()
const { buildWasm } = await import('./build-wasm.mjs')
await buildWasm()
const { createServer } = await import('vite')
try {
  const server = await createServer({ configFile: `${root}/vite.config.ts`, server: { port, strictPort: true }, clearScreen: false })
  await server.listen()
  console.log('Lampas is ready:')
  server.printUrls()
} catch (error) {
  console.error(error.message.includes('already in use') ? `Port ${port} is taken. Try another: PORT=${port + 1} npm start` : error)
  process.exit(1)
}
