// The page itself: what a link keeps, keys, names, widths, themes, speed, and what it does without the headers for threads.
import { AxeBuilder } from '@axe-core/playwright'
import { expect, test } from '@playwright/test'
import { root } from './support/pack.ts'
import { mainThreadTasks, ring, Visitor } from './support/playground.ts'
import { serve } from './support/serve.ts'

const short = `import { pause, report } from 'playground'
for (let n = 1; n <= 200; n++) {
  report({ step: n, steps: 200, loss: 1 / n, accuracy: n / 200 })
  await pause()
}
console.log('größer ✦ done')`

test('a link reopens the example, the device, the compile switch and the code', async ({ page, context }) => {
  const visitor = await new Visitor(page).open()
  await visitor.example.selectOption('spiral')
  await visitor.device.selectOption('webgpu')
  await visitor.compile.uncheck()
  await visitor.write(short)
  await expect(page).toHaveURL(/example=spiral.*device=webgpu.*compile=off.*code=[\w-]+$/)

  const other = new Visitor(await context.newPage())
  await other.page.goto(page.url())
  await expect(other.run).toBeEnabled()
  await expect(other.example).toHaveValue('spiral')
  await expect(other.device).toHaveValue('webgpu')
  await expect(other.compile).not.toBeChecked()
  await expect(other.code).toContainText('größer ✦ done')
  await other.run.click()
  await other.until('Done', 20_000)
  await expect(other.console).toContainText('größer ✦ done')

  // An unchanged example is not in the address.
  await other.page.getByRole('button', { name: 'Reset code' }).click()
  await expect(other.page).not.toHaveURL(/code=/)
  await expect(other.code).toContainText('Three spiral arms')
})

test('another address in the same tab is followed', async ({ page }) => {
  const visitor = await new Visitor(page).open({ example: 'digits' })
  await page.evaluate(() => (location.hash = '#example=names&compile=off'))
  await expect(visitor.example).toHaveValue('names')
  await expect(visitor.compile).not.toBeChecked()
  await expect(visitor.code).toContainText('letter by letter, and writes new ones')
})

test('with the keyboard alone: choose, change, run, stop', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  const { keyboard } = page
  const tabTo = async (what: string) => {
    for (let i = 0; i < 40; i++) {
      await keyboard.press('Tab')
      const at = await page.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute('aria-label'))
      if (at === what) return
    }
    throw new Error(`Tab does not reach ${what}`)
  }
  await tabTo('example')
  await keyboard.press('ArrowDown')
  await expect(visitor.example).toHaveValue('first')
  await tabTo('compile')
  await keyboard.press('Space')
  await expect(visitor.compile).not.toBeChecked()
  await tabTo('Code')
  await keyboard.press('ControlOrMeta+a')
  await keyboard.insertText(`import { pause, report } from 'playground'\nfor (let n = 1; ; n++) {\n  report({ step: n, loss: 1 })\n  await pause()\n}`)
  // Tab leaves the editor, and focus can be seen.
  await keyboard.press('Tab')
  await expect(visitor.code).not.toBeFocused()
  await keyboard.press('Shift+Tab')
  await expect(visitor.code).toBeFocused()
  for (let i = 0; i < 12 && !(await visitor.run.evaluate(e => e === document.activeElement)); i++) await keyboard.press('Shift+Tab')
  await expect(visitor.run).toBeFocused()
  expect(await visitor.run.evaluate(e => getComputedStyle(e).outlineStyle)).toBe('solid')
  await keyboard.press('Enter')
  await expect(visitor.stop).toBeFocused()
  await expect.poll(async () => (await visitor.read()).step).toBeGreaterThan(20)
  await keyboard.press('Enter')
  await visitor.until('Stopped', 5_000)
  await expect(visitor.run).toBeFocused()
  await visitor.code.focus()
  await keyboard.press('ControlOrMeta+Enter')
  await expect(visitor.stop).toBeEnabled()
  await expect(visitor.status).toContainText('Running')
})

test('a digit can be drawn with the keyboard', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { init } from 'lampas'\nimport { onDraw } from 'playground'\nawait init({ device: 'wasm' })\nonDraw(async picture => {\n  const rows = (await picture.toArray())[0][0]\n  const wide = Math.max(...rows.map(r => r.filter(v => v > 0.2).length))\n  return Array.from({ length: 10 }, (_, i) => Number(i === wide))\n})`)
  await visitor.run.click()
  await visitor.until('Done', 20_000)
  const canvas = page.getByRole('img', { name: 'Drawing canvas' })
  await canvas.focus()
  await page.keyboard.press('Space')
  for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowDown')
  const guess = page.getByLabel('Guess')
  await expect(guess).toHaveText(/^[12]$/) // a stroke of one or two cells
  await page.keyboard.press('Delete')
  await expect(guess).toHaveText('?')
})

test('completion offers the library and adds the import', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { init } from 'lampas'\nconst model = nn.Lin`)
  await page.keyboard.press('Control+Space')
  const options = page.getByRole('listbox').getByRole('option')
  await expect(options.first()).toContainText('Linear')
  await options.first().click()
  await expect(visitor.code).toContainText('nn.Linear')
  await page.keyboard.insertText('\nconst c = tensor([1]).')
  await page.keyboard.type('mat')
  await expect(options.filter({ hasText: 'matmul' })).toBeVisible()
  await page.keyboard.press('Escape')
  await page.keyboard.insertText('\n')
  await page.keyboard.type('arang')
  await options.filter({ hasText: 'arange' }).first().click()
  await expect(visitor.code).toContainText('import { init, arange } from')
})

for (const theme of ['light', 'dark'] as const)
  for (const width of [390, 1440])
    test(`${theme}, ${width} px: no fault that axe finds, nothing wider than the screen`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: theme })
      await page.setViewportSize({ width, height: 844 })
      const visitor = await new Visitor(page).open({ example: 'digits' })
      await visitor.write(short)
      await visitor.run.click()
      await visitor.until('Done', 20_000)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']).analyze()
      expect(violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.target.join(' ')).join(', ')}`)).toEqual([])
      const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
      const [red] = /\d+/.exec(paper) ?? ['']
      expect(Number(red) > 128).toBe(theme === 'light')
    })

test('the theme can be chosen and is kept', async ({ page }) => {
  await new Visitor(page).open()
  const button = page.getByRole('button', { name: /^Theme: / })
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  const light = await paper()
  await button.click()
  await button.click()
  await expect(button).toHaveAccessibleName('Theme: dark. Change to system')
  expect(await paper()).not.toBe(light)
  await page.reload()
  await expect(button).toHaveAccessibleName('Theme: dark. Change to system')
  expect(await paper()).not.toBe(light)
})

test('the link can be copied', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await new Visitor(page).open({ example: 'names', compile: 'off' })
  await page.getByRole('button', { name: 'Copy link' }).click()
  await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible()
  const link = new URL(await page.evaluate(() => navigator.clipboard.readText()))
  expect(Object.fromEntries(new URLSearchParams(link.hash.slice(1)))).toEqual({ example: 'names', device: 'wasm', compile: 'off' })
})

test('who asked for less motion sees none', async ({ page }) => {
  const moving = () => page.evaluate(() => document.getAnimations().length)
  const visitor = await new Visitor(page).open()
  await visitor.write(`import { pause, report } from 'playground'\nfor (let n = 1; ; n++) {\n  report({ step: n, loss: 1 })\n  await pause()\n}`)
  await visitor.run.click()
  await expect(visitor.status).toContainText('Running')
  await expect.poll(moving).toBeGreaterThan(0)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await expect.poll(moving).toBe(0)
})

test('a view that is not drawn yet says what to do, again when the code starts anew', async ({ page }) => {
  const visitor = await new Visitor(page).open({ example: 'regression' })
  const fit = page.getByRole('region', { name: 'Fit' })
  const says = () => fit.locator('.frame').evaluate(e => getComputedStyle(e, '::after').content)
  expect(await says()).toContain('Run the program')
  await expect(fit.getByRole('img', { name: 'Fit, not drawn yet' })).toBeVisible()
  await visitor.run.click()
  await visitor.until('Done', 60_000)
  expect(await says()).toBe('none')
  await visitor.example.selectOption('spiral')
  await visitor.example.selectOption('regression')
  await expect(fit.getByRole('img', { name: 'Fit, not drawn yet' })).toBeVisible()
})

test('the controls have their names and roles', async ({ page }) => {
  const visitor = await new Visitor(page).open()
  await expect(visitor.example.getByRole('option')).toHaveText(['Digits CNN', 'First steps', 'Spiral MLP', 'Names GPT', 'Linear regression', 'Logistic regression, symbolic', 'Waves RNN, by scan', 'Both ways'])
  await expect(visitor.device.getByRole('option')).toHaveText(['wasm', 'webgpu'])
  await expect(visitor.compile).toBeChecked()
  await expect(visitor.stop).toBeDisabled()
  for (const word of ['step', 'loss', 'accuracy', 'steps per second']) await expect(visitor.status).toContainText(word)
  await expect(page.getByRole('progressbar', { name: 'Training progress' })).toBeVisible()
  await expect(page.getByRole('img', { name: 'Chart of Loss, empty' })).toBeVisible()
  await expect(visitor.code).toBeVisible()
  await expect(visitor.console).toBeVisible()
})

test('a device that is not available is disabled and says why', async ({ page }) => {
  await page.route(/\/worker[.-][^/]*$/, async route => {
    const response = await route.fetch()
    await route.fulfill({ response, body: `Object.defineProperty(navigator, 'gpu', { value: undefined });${await response.text()}` })
  })
  const visitor = await new Visitor(page).open({ device: 'webgpu' })
  await expect(visitor.device.getByRole('option', { name: 'webgpu' })).toBeDisabled()
  await expect(visitor.device).toHaveAccessibleDescription(/webgpu is not available: \S+/)
  await expect(visitor.device).toHaveValue('wasm')
  await expect(visitor.notice).toContainText('asks for webgpu')
})

test('no task of the main thread is long while the digits train', async ({ page }) => {
  const visitor = await new Visitor(page).open({ example: 'digits' })
  const tasks = await mainThreadTasks(page, async () => {
    await visitor.run.click()
    await expect.poll(async () => (await visitor.read()).step, { timeout: 60_000 }).toBeGreaterThan(100)
    await visitor.draw(ring)
    await visitor.until('Done', 80_000)
  })
  const longest = Math.max(...tasks.map(t => t.cpu))
  const wall = Math.max(...tasks.map(t => t.wall))
  test.info().annotations.push({ type: 'measured', description: `${tasks.length} tasks, the longest ${longest.toFixed(0)} ms of processor time, ${wall.toFixed(0)} ms by the clock` })
  expect(tasks.length).toBeGreaterThan(100)
  // Processor time: what the clock says depends on what else the machine does.
  expect(longest).toBeLessThan(50)
})

test('nothing is asked of any other server', async ({ page }) => {
  const asked: string[] = []
  page.on('request', request => asked.push(request.url()))
  const visitor = await new Visitor(page).open({ example: 'digits' })
  await visitor.run.click()
  await expect.poll(async () => (await visitor.read()).step, { timeout: 60_000 }).toBeGreaterThan(50)
  const own = new URL(page.url()).origin
  expect(asked.filter(url => !url.startsWith(own) && !url.startsWith('blob:') && !url.startsWith('data:'))).toEqual([])
})

test('without the headers for threads it runs on one thread and says why', async ({ page }) => {
  const site = await serve(`${root}build/web`)
  try {
    const visitor = await new Visitor(page).open({ example: 'regression' }, `${site.url}/`)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false)
    await visitor.run.click()
    const end = await visitor.until('Done', 60_000)
    expect(end.loss).toBeLessThan(0.2)
    await expect(page.locator('#device-line')).toContainText(/1 thread.*isolat/i)
  } finally {
    await site.close()
  }
})
