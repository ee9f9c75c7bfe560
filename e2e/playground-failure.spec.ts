// What can go wrong with a visitor's program, and that the page says so and goes on working.
import { expect, test } from '@playwright/test'
import { exampleCode, Visitor } from './support/playground.ts'

/** A run after the failure, to show that the page still works. */
async function runsAgain(visitor: Visitor): Promise<void> {
  await visitor.write(`import { report } from 'playground'\nreport({ step: 7, steps: 7, loss: 0.5, accuracy: 1 })\nconsole.log('well again')`)
  await visitor.run.click()
  await visitor.until('Done', 20_000)
  await expect(visitor.console).toContainText('well again')
  expect(await visitor.read()).toMatchObject({ step: 7, loss: 0.5, accuracy: 1 })
}

test('an endless loop that never pauses is ended by Stop', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { report } from 'playground'\nlet n = 0\nwhile (true) report({ step: ++n, loss: 1 / n })`)
  await visitor.run.click()
  await expect.poll(async () => (await visitor.read()).step).toBeGreaterThan(10)
  await visitor.stop.click()
  await visitor.until('Stopped', 5_000)
  await expect(visitor.notice).toContainText('did not pause')
  await expect(visitor.stop).toBeDisabled()
  await runsAgain(visitor)
})

test('a loop that pauses stops by itself', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { pause, report } from 'playground'\nfor (let n = 1; ; n++) {\n  report({ step: n, loss: 1 / n })\n  await pause()\n}`)
  await visitor.run.click()
  await expect.poll(async () => (await visitor.read()).step).toBeGreaterThan(10)
  await visitor.stop.click()
  await visitor.until('Stopped', 5_000)
  await expect(visitor.notice).toBeHidden()
  await runsAgain(visitor)
})

test('an error is shown in the console and at its line', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { init, tensor } from 'lampas'\nawait init({ device: 'wasm' })\nconst a = tensor([[1, 2, 3]])\nconst b = tensor([[1, 2], [3, 4]])\n\nconst c = a.matmul(b)\n`)
  await visitor.run.click()
  await visitor.until('Failed', 20_000)
  await expect(visitor.console).toContainText(/\[matmul\].*line 6/s)
  await expect(page.locator('.cm-lintRange-error')).toHaveText('const c = a.matmul(b)')
  await page.getByRole('button', { name: 'line 6' }).click()
  await expect(page.locator('.cm-activeLine')).toHaveText('const c = a.matmul(b)')
  await expect(visitor.code).toBeFocused()
  await runsAgain(visitor)
  await expect(page.locator('.cm-lintRange-error')).toHaveCount(0)
})

test('an error after an await, and one that nobody awaits, are shown at their lines', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { pause } from 'playground'\nasync function later() {\n  await pause()\n  throw new RangeError('too late')\n}\nvoid later()\nawait pause()\nawait pause()\nthrow new TypeError('at last')`)
  await visitor.run.click()
  await visitor.until('Failed', 20_000)
  await expect(visitor.console).toContainText('RangeError: too late line 4')
  await expect(visitor.console).toContainText('TypeError: at last line 9')
})

test('code that does not parse is not run and is marked', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`const a = 1\nconst b = (2 + \nconsole.log('never')`)
  await visitor.run.click()
  await visitor.until('Failed', 5_000)
  await expect(visitor.console).toContainText(/SyntaxError: .*line 3/)
  await expect(visitor.console).not.toContainText('never\n')
  await runsAgain(visitor)
})

test('a name or a module that is not there is named', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { init } from 'lampas'\nimport { tensr } from 'lampas'\n`)
  await visitor.run.click()
  await visitor.until('Failed', 5_000)
  await expect(visitor.console).toContainText(/'tensr'.*line 2/s)
  await visitor.write(`import { tensor } from 'tensors'\n`)
  await visitor.run.click()
  await visitor.until('Failed', 5_000)
  await expect(visitor.console).toContainText("no module 'tensors'")
  await runsAgain(visitor)
})

test('a worker that dies is noticed', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { pause, report } from 'playground'\nfor (let n = 1; ; n++) {\n  report({ step: n, loss: 1 / n })\n  if (n === 50) self.close()\n  await pause()\n}`)
  await visitor.run.click()
  await visitor.until('Failed', 10_000)
  await expect(visitor.notice).toContainText('died')
  await expect(page.getByRole('button', { name: 'Run again' })).toBeVisible()
  await runsAgain(visitor)
})

test('device.destroy() in the middle of training: the page says so and a new run works', async ({ page }) => {
  test.setTimeout(180_000)
  const visitor = await new Visitor(page).open({ example: 'spiral', device: 'webgpu' })
  // The program keeps hold of its graphics device and destroys it at step 60.
  const hold = [
    'const request = GPUAdapter.prototype.requestDevice',
    'let gpu',
    'GPUAdapter.prototype.requestDevice = async function (...args) { return (gpu = await request.apply(this, args)) }',
  ]
  const lines = exampleCode('spiral').split('\n')
  const opens = lines.findIndex(line => line.startsWith('await init('))
  const pauses = lines.findIndex(line => line.includes('await pause()'))
  await visitor.write([...lines.slice(0, opens), ...hold, ...lines.slice(opens, pauses), '  if (n === 60) gpu.destroy()', ...lines.slice(pauses)].join('\n'))
  await visitor.run.click()
  await visitor.until('Failed', 60_000)
  await expect(visitor.notice).toContainText('The device was lost')
  const { step } = await visitor.read()
  expect(step).toBeGreaterThanOrEqual(60)
  expect(step).toBeLessThan(70)
  // A fresh device, and then the processor, take over.
  await visitor.write(exampleCode('spiral').replace('const steps = 1000', 'const steps = 40'))
  await page.getByRole('button', { name: 'Run again' }).click()
  expect((await visitor.until('Done', 60_000)).step).toBe(40)
  await expect(page.getByText(/^webgpu: /)).toBeVisible()
})

test('after a lost device the page offers to go on with wasm', async ({ page }) => {
  const visitor = await new Visitor(page).open({ device: 'webgpu' })
  const program = (end: string) => `import { init } from 'lampas'
import { pause, report, settings } from 'playground'
const request = globalThis.GPUAdapter?.prototype.requestDevice
let gpu
if (request) GPUAdapter.prototype.requestDevice = async function (...args) { return (gpu = await request.apply(this, args)) }
const device = await init({ device: settings.device })
console.log('on', device.name)
for (let n = 1; n <= 30; n++) {
  report({ step: n, steps: 30, loss: 1 / n })
  if (n === 10 && device.name === 'webgpu') gpu.destroy()
  await pause()
}
${end}`
  await visitor.write(program(`if (device.name === 'webgpu') await new Promise(() => {})`))
  await visitor.run.click()
  await visitor.until('Failed', 30_000)
  await page.getByRole('button', { name: 'Run on wasm' }).click()
  await visitor.until('Done', 30_000)
  await expect(visitor.console).toContainText('on wasm')
  await expect(visitor.device).toHaveValue('wasm')
})

test('a device that is lost after the end of the program takes the drawing canvas with it', async ({ page }) => {
  const visitor = await new Visitor(page).open({ device: 'webgpu' })
  await visitor.write(`import { init, ones } from 'lampas'
import { onDraw } from 'playground'
const request = GPUAdapter.prototype.requestDevice
let gpu
GPUAdapter.prototype.requestDevice = async function (...args) { return (gpu = await request.apply(this, args)) }
await init({ device: 'webgpu' })
onDraw(() => ones([10]))
setTimeout(() => gpu.destroy(), 2000)`)
  await visitor.run.click()
  await visitor.until('Done', 30_000)
  await expect(page.getByText('With the pointer, or with the arrow keys')).toBeVisible()
  await visitor.until('Failed', 30_000)
  await expect(visitor.notice).toContainText('The device was lost')
  await expect(page.getByText('Press Run first')).toBeVisible()
  await runsAgain(visitor)
})

test('a flood of console lines neither stops the page nor fills it', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`for (let i = 0; i < 200000; i++) console.log('line', i)`)
  await visitor.run.click()
  await visitor.until('Done', 20_000)
  await expect(visitor.console).toContainText('line 199999')
  await expect(visitor.console).toContainText('lines left out')
  expect(await page.locator('#console > *').count()).toBeLessThanOrEqual(400)
})

test('a damaged link opens the example and says so', async ({ page }) => {
  const visitor = await new Visitor(page).open({ example: 'spiral', code: 'not-a-program' })
  await expect(visitor.notice).toContainText('damaged')
  await expect(visitor.example).toHaveValue('spiral')
})
