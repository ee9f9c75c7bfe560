// The graph view: what it shows of a compiled function, and how one moves in it with mouse, fingers and keys.
import { AxeBuilder } from '@axe-core/playwright'
import { expect, test } from '@playwright/test'
import type { Locator, Page } from '@playwright/test'
import { exampleCode, Visitor } from './support/playground.ts'

/** Line 6 makes a product, line 7 what becomes softplus, line 8 a reduction. */
const program = `import { compile, init, nn, randn } from 'lampas'
import { settings } from 'playground'
await init({ device: settings.device })
const layer = new nn.Linear(4, 3)
function step(x) {
  const h = layer.forward(x)
  const soft = h.exp().add(1).log()
  return soft.sum(1)
}
const f = compile(step)
for (let i = 0; i < 3; i++) f(randn([8, 4])).dispose()`

class Graph {
  readonly tab: Locator
  readonly picture: Locator
  readonly boxes: Locator
  readonly lit: Locator
  readonly facts: Locator
  readonly made: Locator
  readonly values: Locator

  constructor(readonly page: Page) {
    this.tab = page.getByRole('tab', { name: 'Graph' })
    this.picture = page.getByRole('listbox', { name: 'Graph' })
    this.boxes = this.picture.getByRole('option')
    this.lit = this.picture.locator('.lit')
    this.facts = page.locator('.facts')
    this.made = page.locator('.cm-made')
    this.values = page.getByRole('listbox', { name: 'Values in memory' })
  }

  /** Waits until another picture stands. */
  async stage(name: 'As written' | 'Optimised' | 'Kernels'): Promise<void> {
    await this.page.getByText(name, { exact: true }).click()
    await expect(this.page.getByRole('radio', { name })).toBeChecked()
    await this.drawn()
  }

  async drawn(): Promise<void> {
    await expect(this.picture.locator('> g.old')).toHaveCount(0)
    await expect(this.boxes.first()).toBeVisible()
  }

  async names(): Promise<string[]> {
    return this.boxes.evaluateAll(list => list.map(e => e.getAttribute('aria-label') ?? ''))
  }

  async place(): Promise<string> {
    return (await this.picture.locator('> g').getAttribute('transform')) ?? ''
  }
}

async function shown(page: Page, code = program, state: Readonly<Record<string, string>> = {}): Promise<{ visitor: Visitor; graph: Graph }> {
  const visitor = await new Visitor(page).open(state)
  await visitor.write(code)
  await visitor.run.click()
  const graph = new Graph(page)
  await graph.tab.click()
  await visitor.until('Done', 60_000)
  await graph.drawn()
  return { visitor, graph }
}

test('it is loaded when it is opened, and draws the code as written, optimised, and as kernels', async ({ page }) => {
  const asked: string[] = []
  page.on('request', request => asked.push(request.url()))
  const visitor = await new Visitor(page).open()
  await visitor.write(program)
  await visitor.run.click()
  await visitor.until('Done', 30_000)
  expect(asked.filter(url => /panel|layout/.test(url))).toEqual([])
  const graph = new Graph(page)
  await graph.tab.click()
  await graph.drawn()
  expect(asked.filter(url => /panel|layout/.test(url)).length).toBeGreaterThan(1)

  await graph.stage('As written')
  const before = await graph.names()
  for (const op of ['x \\[8, 4\\], from outside', 'matmul', 'exp', 'log', 'sum']) expect(before.some(n => new RegExp(`^${op}`).test(n)), op).toBe(true)
  expect(before.find(n => n.startsWith('matmul'))).toMatch(/^matmul \[8, 3\], product, 96 B, line 6$/)
  expect(before.find(n => n.startsWith('sum'))).toMatch(/line 8, result$/)

  await graph.stage('Optimised')
  const after = await graph.names()
  expect(after.some(n => /^(exp|log)\b/.test(n))).toBe(false)
  expect(after.some(n => /^softplus.*line 7/.test(n))).toBe(true)

  await graph.stage('Kernels')
  const kernels = await graph.names()
  expect(kernels.some(n => n.includes('@'))).toBe(true)
  await expect(page.getByRole('region', { name: 'Memory plan' })).toContainText(/\d+ kernels?, \d+ blocks?/)
})

test('pointing at a box tells its shapes and marks its line in the editor, and a line finds its boxes', async ({ page }) => {
  const { graph, visitor } = await shown(page)
  await graph.stage('As written')
  await graph.boxes.filter({ hasText: 'matmul' }).hover()
  await expect(graph.made).toHaveText('  const h = layer.forward(x)')
  await expect(graph.facts).toContainText('float32 [8, 3], 96 B')
  await expect(graph.facts.locator('code')).toHaveText('const h = layer.forward(x)')
  await graph.boxes.filter({ hasText: 'sum' }).hover()
  await expect(graph.made).toHaveText('  return soft.sum(1)')
  await graph.boxes.filter({ hasText: 'sum' }).click()
  await page.mouse.move(5, 5)
  await expect(graph.made).toHaveText('  return soft.sum(1)')
  await graph.facts.getByRole('button', { name: 'line 8' }).click()
  await expect(visitor.code).toBeFocused()
  await expect(page.locator('.cm-activeLine')).toHaveText('  return soft.sum(1)')

  const dots = page.getByTitle('Show in the graph what this line makes')
  await expect(dots).toHaveCount(3)
  await dots.nth(1).click()
  expect(await graph.lit.evaluateAll(list => list.map(e => e.querySelector('.label')?.textContent))).toEqual(['exp', 'add', 'log'])
})

test('keys walk along the arrows, move and scale', async ({ page }) => {
  const { graph } = await shown(page)
  const { keyboard } = page
  const selected = graph.picture.locator('[aria-selected=true]')
  await graph.picture.focus()
  await keyboard.press('Home')
  await expect(selected).toHaveCount(1)
  const walk: string[] = []
  for (let i = 0; i < 12; i++) {
    await keyboard.press('ArrowDown')
    walk.push((await selected.getAttribute('aria-label')) ?? '')
  }
  expect(walk.at(-1)).toMatch(/^sum .*result$/)
  await expect(graph.made).toHaveText('  return soft.sum(1)')
  expect(await graph.picture.getAttribute('aria-activedescendant')).toBe(await selected.getAttribute('id'))
  await keyboard.press('ArrowUp')
  await expect(selected).toHaveAttribute('aria-label', /^softplus/)

  for (const key of ['+', '-', '-', 'Shift+ArrowLeft', 'Shift+ArrowDown', '+', '0']) {
    const before = await graph.place()
    await keyboard.press(key)
    expect(await graph.place(), key).not.toBe(before)
  }
})

test('the mouse drags and its wheel zooms, but the page scrolls until the picture has focus', async ({ page }) => {
  const { graph } = await shown(page)
  const { mouse } = page
  await graph.picture.scrollIntoViewIfNeeded()
  const box = await graph.picture.boundingBox()
  if (!box) throw new Error('no picture')
  const scale = async () => Number(/scale\((\S+)\)/.exec(await graph.place())?.[1])
  const [x, y] = [box.x + 12, box.y + box.height / 2]
  await mouse.move(x, y)
  const first = await scale()
  await mouse.wheel(0, 40)
  expect(await scale()).toBe(first)
  const before = await graph.place()
  await mouse.down()
  await mouse.move(x + 60, y + 20, { steps: 4 })
  await mouse.up()
  expect(await graph.place()).not.toBe(before)
  await graph.picture.focus()
  await mouse.wheel(0, -240)
  await expect.poll(scale).toBeGreaterThan(first)
  await page.getByRole('button', { name: 'Zoom out' }).click()
  const small = await scale()
  await page.getByRole('button', { name: 'Zoom in' }).click()
  expect(await scale()).toBeGreaterThan(small)

  // Two fingers that go apart.
  const apart = await scale()
  await graph.picture.evaluate(element => {
    const { left, top } = element.getBoundingClientRect()
    const point = (type: string, pointerId: number, dx: number) =>
      element.dispatchEvent(new PointerEvent(type, { pointerId, button: 0, clientX: left + 100 + dx, clientY: top + 100, bubbles: true }))
    element.setPointerCapture = () => {}
    point('pointerdown', 11, 0)
    point('pointerdown', 12, 40)
    for (let i = 1; i <= 10; i++) point('pointermove', 12, 40 + 8 * i)
    point('pointerup', 11, 0)
    point('pointerup', 12, 120)
  })
  expect(await scale()).toBeGreaterThan(1.5 * apart)
})

test('the log of rewrites is walked step by step, with the graph before and after each', async ({ page }) => {
  const { graph } = await shown(page)
  await graph.stage('As written')
  const log = page.getByRole('region', { name: 'Rewrites' })
  const next = log.getByRole('button', { name: 'Next' })
  const back = log.getByRole('button', { name: 'Previous' })
  await expect(back).toBeDisabled()
  await expect(log.getByRole('list', { name: 'Rewrites by phase' })).toContainText('stabilise')
  const steps = Number(/(\d+) step/.exec(await log.innerText())?.[1])
  expect(steps).toBeGreaterThan(0)
  const rules: string[] = []
  for (let i = 1; i <= steps; i++) {
    await next.click()
    await expect(log).toContainText(`${i} of ${steps}`)
    rules.push(await log.locator('code').innerText())
  }
  await expect(next).toBeDisabled()
  expect(rules.some(rule => rule.includes('log(1 + exp(x)) → softplus(x)'))).toBe(true)
  while (!(await log.innerText()).includes('softplus(x)')) await back.click()
  await expect(graph.made).toHaveText('  const soft = h.exp().add(1).log()')
  const lit = (): Promise<string[]> => graph.lit.evaluateAll(list => list.map(e => e.querySelector('.label')?.textContent ?? ''))
  await expect.poll(lit).toEqual(['softplus'])
  await log.getByText('Before', { exact: true }).click()
  await expect.poll(lit).toEqual(['exp', 'add', 'log'])
  expect((await graph.names()).some(n => n.startsWith('softplus'))).toBe(false)
  await expect(page.getByRole('region', { name: 'Graph', exact: true })).toContainText(/before softplus: \d+ nodes/)
  await page.keyboard.press('ArrowRight')
  await expect(log.getByRole('radio', { name: 'After' })).toBeChecked()
  await expect.poll(lit).toEqual(['softplus'])
  const slider = log.getByRole('slider', { name: 'Rewrite' })
  await slider.focus()
  await page.keyboard.press('Home')
  await expect(back).toBeDisabled()
  await expect(page.getByRole('radio', { name: 'As written' })).toBeChecked()
  await expect(graph.lit).toHaveCount(0)
})

test('the memory plan shows who writes and reads each value', async ({ page }) => {
  const { graph } = await shown(page, exampleCode('spiral').replace('const steps = 1000', 'const steps = 2'))
  const values = graph.values.getByRole('option')
  expect(await values.count()).toBeGreaterThan(5)
  await graph.values.focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  const selected = graph.values.locator('[aria-selected=true]')
  await expect(selected).toHaveAttribute('aria-label', /B.*: written by kernel \d+, .+; (last read by kernel \d+|used there only)/)
  await expect(page.locator('.memory-says')).toHaveText((await selected.getAttribute('aria-label')) ?? '')
  await expect(page.getByRole('radio', { name: 'Kernels' })).toBeChecked()
  await expect(graph.lit.first()).toBeVisible()
  // As much as the curve's highest bar says.
  await expect(page.getByRole('region', { name: 'Memory plan' })).toContainText(/at most [\d.]+ KB of [\d.]+ KB in use/)
})

test('boxes are coloured by bytes, and by time when it was measured', async ({ page }) => {
  const { graph, visitor } = await shown(page)
  const colour = page.getByRole('combobox', { name: 'Colour by' })
  const shares = () => graph.boxes.evaluateAll(list => list.map(e => Number((e as SVGElement).style.getPropertyValue('--share'))))
  await colour.selectOption('bytes')
  expect(Math.max(...(await shares()))).toBe(1)
  await expect(page.getByRole('list', { name: 'Colours' })).toContainText(/\d B$/)
  await colour.selectOption('time')
  await page.getByRole('button', { name: 'Run again with times' }).click()
  await visitor.until('Done', 30_000)
  await expect(page.getByRole('list', { name: 'Colours' })).toContainText(/\d (µs|ms)$/)
  await graph.drawn()
  expect(Math.max(...(await shares()))).toBe(1)
  expect((await graph.names()).some(n => /@.*\d (µs|ms)/.test(n))).toBe(true)
})

test('a large graph stands in groups, which open; one by one it is there within seconds', async ({ page }) => {
  test.setTimeout(200_000)
  const { graph } = await shown(page, exampleCode('names').replace('const steps = 1000', 'const steps = 1'), { example: 'names' })
  const groups = graph.picture.locator('.closed')
  expect(await groups.count()).toBeGreaterThan(5)
  const before = await graph.boxes.count()
  expect(before).toBeLessThan(60)
  await groups.filter({ hasText: 'this.attention' }).first().click()
  await graph.facts.getByRole('button', { name: /^open the \d+ in it$/ }).click()
  await expect.poll(() => graph.boxes.count()).toBeGreaterThan(before + 5)
  await graph.facts.getByRole('button', { name: 'close its group' }).click()
  await expect.poll(() => graph.boxes.count()).toBe(before)
  await page.getByLabel('Group by line').uncheck()
  await expect.poll(() => graph.boxes.count(), { timeout: 20_000 }).toBeGreaterThan(300)
  test.info().annotations.push({ type: 'measured', description: `${await graph.boxes.count()} boxes in ${await graph.picture.getAttribute('data-ms')} ms` })
})

test('symbolic functions are listed by name; without compiled functions it says so', async ({ page }) => {
  const { visitor, graph } = await shown(page, exampleCode('logistic').replace('const steps = 300', 'const steps = 2'))
  const which = page.getByRole('combobox', { name: 'Function' })
  await expect(which.getByRole('option')).toHaveText(['train', 'predict'])
  await which.selectOption('predict')
  await expect.poll(async () => (await graph.names()).length).toBeLessThan(15)
  await visitor.write(`console.log('none')`)
  await visitor.run.click()
  await expect(page.getByRole('tabpanel', { name: 'Graph' })).toContainText('called no compiled function')
})

for (const theme of ['light', 'dark'] as const)
  for (const width of [390, 1280])
    test(`${theme}, ${width} px: no fault that axe finds, nothing wider than the screen`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: theme })
      await page.setViewportSize({ width, height: 844 })
      const { graph } = await shown(page, exampleCode('spiral').replace('const steps = 1000', 'const steps = 2'))
      const check = async () => {
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
        const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']).analyze()
        expect(violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.target.join(' ')).join(', ')}`)).toEqual([])
      }
      await graph.picture.focus()
      await page.keyboard.press('ArrowDown')
      await check()
      await page.getByRole('combobox', { name: 'Colour by' }).selectOption('bytes')
      await page.getByRole('region', { name: 'Rewrites' }).getByRole('button', { name: 'Next' }).click()
      await check()
    })
