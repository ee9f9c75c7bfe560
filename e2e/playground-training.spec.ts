// The main job of the page: every example learns, on every device, compiled and eager.
import { expect, test } from '@playwright/test'
import { exampleCode, ring, Visitor } from './support/playground.ts'

for (const device of ['wasm', 'webgpu'])
  for (const compile of ['on', 'off'])
    test(`digits on ${device}, compile ${compile}: 97 % on the test pictures, predictions, a guess`, async ({ page }) => {
      test.setTimeout(300_000)
      const visitor = await new Visitor(page).open({ example: 'digits', device, compile })
      await expect(visitor.device).toHaveValue(device)
      await visitor.run.click()
      await expect(visitor.stop).toBeEnabled()
      const end = await visitor.until('Done', 280_000)
      expect(end.accuracy).toBeGreaterThanOrEqual(0.97)
      expect(end.loss).toBeLessThan(0.1)
      test.info().annotations.push({ type: 'measured', description: `${(end.accuracy * 100).toFixed(1)} %, ${end.rate} steps/s` })

      await expect(page.locator('#device-line')).toContainText(device)
      await expect(page.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '100')
      const pictures = page.getByRole('region', { name: 'Predictions' }).getByRole('img')
      const shown = await pictures.evaluateAll(list => list.map(e => e.getAttribute('aria-label') ?? ''))
      expect(shown.length).toBe(24)
      expect(shown.filter(label => /^\d, recognised with \d+ %$/.test(label)).length).toBeGreaterThanOrEqual(21)

      await visitor.draw(ring)
      await expect(page.getByLabel('Guess')).toHaveText('0')
      await page.getByRole('button', { name: 'Clear' }).click()
      await expect(page.getByLabel('Guess')).toHaveText('?')
    })

test('spiral: the boundary is drawn while it learns', async ({ page }) => {
  const visitor = await new Visitor(page).open({ example: 'spiral' })
  await visitor.run.click()
  await expect(page.getByRole('img', { name: /^Decision boundary between 3 classes with 210 points$/ })).toBeVisible()
  const canvas = page.getByRole('region', { name: 'Decision boundary' }).locator('canvas')
  const picture = () => canvas.evaluate(c => (c instanceof HTMLCanvasElement ? c.toDataURL() : ''))
  const early = await picture()
  const end = await visitor.until('Done', 80_000)
  expect(end.accuracy).toBeGreaterThan(0.95)
  expect(await picture()).not.toBe(early)
})

test('names: letters become names', async ({ page }) => {
  test.setTimeout(300_000)
  const visitor = await new Visitor(page).open({ example: 'names' })
  await visitor.write(exampleCode('names').replace('const steps = 1000', 'const steps = 200'))
  await visitor.run.click()
  const written = page.getByRole('region', { name: 'Written' }).getByRole('listitem')
  await expect(written).toHaveCount(20)
  const end = await visitor.until('Done', 280_000)
  expect(end.loss).toBeLessThan(2.35)
  const names = (await written.allInnerTexts()).map(n => n.replace(' ✦', ''))
  expect(names.filter(n => /^[A-Z][a-z]{1,11}$/.test(n)).length).toBeGreaterThanOrEqual(16)
  // Names alternate vowels and consonants far more than noise does.
  expect(names.filter(n => /[aeiouy]/i.test(n)).length).toBeGreaterThanOrEqual(18)
})

for (const compile of ['on', 'off'])
  test(`regression, compile ${compile}: finds the line`, async ({ page }) => {
    const visitor = await new Visitor(page).open({ example: 'regression', compile })
    await visitor.run.click()
    const end = await visitor.until('Done', 60_000)
    expect(end.loss).toBeLessThan(0.2)
    await expect(visitor.console).toContainText(/y = \S+ x/)
    const [, slope, intercept] = /y = (\S+) x \+ (\S+)/.exec(await visitor.console.innerText()) ?? []
    expect(Math.abs(Number(slope) - 3)).toBeLessThan(0.25)
    expect(Math.abs(Number(intercept) + 1)).toBeLessThan(0.15)
    await expect(page.getByRole('img', { name: /^80 points and a fitted curve/ })).toBeVisible()
    await expect(page.getByRole('img', { name: /^Chart of Slope: / })).toBeVisible()
  })

for (const compile of ['on', 'off'])
  test(`first steps, compile ${compile}: what each part prints`, async ({ page }) => {
    const visitor = await new Visitor(page).open({ example: 'first', compile })
    await visitor.run.click()
    const end = await visitor.until('Done', 60_000)
    expect(end.loss).toBeLessThan(1e-6)
    await expect(visitor.console).toContainText(/kernels: \d+ µs/)
    const said = await visitor.console.innerText()
    for (const line of ['tensor([[11., 21., 31.],\n        [41., 51., 61.]])', 'tensor([5., 7., 9.])', 'tensor(8.)', 'w is 1.4142, √2 is 1.4142']) expect(said).toContain(line)
    const [, eager, compiled] = /one answer, both ways\n(\S+)\n(\S+)\n/.exec(said) ?? []
    expect(compiled).toBe(eager)
    expect(said).toMatch(/five ops, one by one: \d+ µs\ncompiled to [1-4] kernels: \d+ µs/)
  })

for (const compile of ['on', 'off'])
  test(`logistic, compile ${compile}: tells all rows apart`, async ({ page }) => {
    const visitor = await new Visitor(page).open({ example: 'logistic', compile })
    await visitor.run.click()
    const end = await visitor.until('Done', 80_000)
    expect(end.accuracy).toBe(1)
    expect(end.loss).toBeLessThan(1)
    const said = await visitor.console.innerText()
    const [, labels] = /labels +([01 ]+)/.exec(said) ?? []
    const [, predictions] = /predictions +([01 ]+)/.exec(said) ?? []
    expect(predictions.trim()).toMatch(/^[01]( [01]){19}$/)
    expect(predictions.trim()).toBe(labels.trim())
  })

test('waves: the network goes on by itself', async ({ page }) => {
  const visitor = await new Visitor(page).open({ example: 'waves' })
  await visitor.run.click()
  await visitor.until('Done', 80_000)
  const chart = await page.getByRole('img', { name: /^Chart of Loss: / }).getAttribute('aria-label')
  const [, first, last] = /: (\S+) at step \d+, (\S+) at step 1200$/.exec(chart ?? '') ?? []
  expect(Number(last)).toBeLessThan(0.15 * Number(first))
  await expect(page.getByRole('img', { name: /^64 points and a fitted curve/ })).toBeVisible()
})

for (const compile of ['on', 'off'])
  test(`both ways, compile ${compile}: one loss curve`, async ({ page }) => {
    const visitor = await new Visitor(page).open({ example: 'both', compile })
    await visitor.run.click()
    const end = await visitor.until('Done', 80_000)
    expect(end.loss).toBeLessThan(0.05)
    const [, bits, apart] = /the two losses were (?:(equal in every bit)|never more than (\S+) apart)/.exec(await visitor.console.innerText()) ?? []
    expect(bits ? 0 : Number(apart)).toBeLessThan(1e-6)
    await expect(page.getByRole('img', { name: /^Chart of Loss, both ways \(modules, formulas\): / })).toBeVisible()
    await expect(page.getByRole('figure').filter({ hasText: 'Loss, both ways' }).getByRole('listitem')).toHaveText(['modules', 'formulas'])
  })

for (const example of ['spiral', 'regression'])
  test(`${example}: the same losses on both devices, compiled and eager`, async ({ page }) => {
    const losses: number[] = []
    const code = exampleCode(example).replace(/const steps = \d+/, 'const steps = 30')
    for (const device of ['wasm', 'webgpu'])
      for (const compile of ['on', 'off']) {
        const visitor = await new Visitor(page).open({ example, device, compile })
        await visitor.write(code)
        await visitor.run.click()
        const { step, loss } = await visitor.until('Done', 60_000)
        expect(step).toBe(30)
        await expect(page.locator('#device-line')).toContainText(`${device}: `)
        losses.push(loss)
      }
    const [first, ...others] = losses
    expect(others[0]).toBe(first)
    for (const loss of others) expect(Math.abs(loss - first)).toBeLessThanOrEqual(2e-4 * first)
  })

test('a drawing is answered while training goes on', async ({ page }) => {
  const visitor = await new Visitor(page).open({ example: 'digits' })
  await visitor.write(exampleCode('digits').replace('const epochs = 15', 'const epochs = 2000'))
  await visitor.run.click()
  await expect.poll(async () => (await visitor.read()).accuracy, { timeout: 60_000 }).toBeGreaterThan(0.95)
  await visitor.draw(ring)
  await expect(page.getByLabel('Guess')).toHaveText('0')
  await visitor.stop.click()
  await visitor.until('Stopped', 10_000)
  // The worker stopped by itself, so what it has learned is still there.
  await page.getByRole('button', { name: 'Clear' }).click()
  await visitor.draw([[0.5, 0.12], [0.5, 0.88]])
  await expect(page.getByLabel('Guess')).toHaveText(/[1-9]/)
})
