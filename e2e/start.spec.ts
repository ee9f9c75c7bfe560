// `npm start`, as a visitor types it.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, test } from '@playwright/test'
import { root } from './support/pack.ts'

interface Ended {
  readonly output: string
  readonly code: number | null
}

/** Starts on a port; `ready` has the printed address, `ended` what was said by the end. */
function start(port: string) {
  const child = spawn(process.execPath, ['scripts/start.mjs'], { cwd: root, env: { ...process.env, PORT: port, NO_COLOR: '1' } })
  let output = ''
  let found: (address: string) => void = () => {}
  const ready = new Promise<string>(resolve => (found = resolve))
  const ended = new Promise<Ended>(resolve => child.once('close', code => resolve({ output, code })))
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => {
      output += text.toString()
      const address = /Local:\s+(http\S+)/.exec(output)?.[1]
      if (address) found(address)
    })
  return { ready, ended, stop: () => child.kill() }
}

async function listen(): Promise<{ port: string; close(): void }> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  return { port: String((server.address() as AddressInfo).port), close: () => server.close() }
}

test('serves the playground, isolated, on the port asked for', async ({ page }) => {
  const { port, close } = await listen()
  close()
  const { ready, stop } = start(port)
  try {
    const address = await ready
    expect(address).toBe(`http://localhost:${port}/`)
    await page.goto(address)
    await expect(page.getByRole('button', { name: 'Run' })).toBeEnabled()
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  } finally {
    stop()
  }
})

test('says which port is taken and how to choose another', async () => {
  const { port, close } = await listen()
  try {
    const { output, code } = await start(port).ended
    expect(output).toContain(`Port ${port} is taken. Try another: PORT=${Number(port) + 1} npm start`)
    expect(code).toBe(1)
  } finally {
    close()
  }
})

test('refuses a port that is none', async () => {
  const { output, code } = await start('eighty').ended
  expect(output).toContain("PORT must be a number from 1 to 65535; it is 'eighty'")
  expect(code).toBe(1)
})
