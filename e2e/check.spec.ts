// The page that checks the visitor's device: a few families through all devices and worlds, and what it says of them.
import { AxeBuilder } from '@axe-core/playwright'
import { expect, test, type Page } from '@playwright/test'

async function open(page: Page, asked: string): Promise<void> {
  await page.goto(`/check#${asked}`)
  await expect(page.getByRole('status')).toHaveText('Ready')
}

async function check(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start' }).click()
  await expect(page.getByRole('status')).toHaveText(/^(All right|Done, with failures|Broken off)$/, { timeout: 60_000 })
  await expect(page.getByRole('status')).toHaveText('All right')
}

test('the playground leads there and back', async ({ page }) => {
  await page.goto('/')
  await page.getByRole('link', { name: 'Check this device' }).click()
  await expect(page).toHaveURL(/\/check\/$/)
  await expect(page).toHaveTitle('Lampas: check this device')
  await page.getByRole('link', { name: 'Playground', exact: true }).click()
  await expect(page).toHaveTitle('Lampas: deep learning in the page')
})

test('two families on both devices, in both worlds', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await open(page, 'family=nn_attention,programs')
  await check(page)
  const rows = page.getByRole('row')
  await expect(rows).toHaveCount(3)
  await expect(rows.nth(0)).toContainText(/wasm, eager\s*wasm, compiled\s*webgpu, eager\s*webgpu, compiled/)
  await expect(rows.nth(1)).toContainText(/^Attention\s*9/)
  await expect(rows.nth(1).getByText('9 right')).toHaveCount(4)
  await expect(rows.nth(2).getByText('33 right')).toHaveCount(4)
  await expect(page.getByText('168 / 168')).toBeVisible()
  await expect(page.getByText(/simd128.*threads; webgpu: /)).toBeVisible()
  await page.getByRole('button', { name: 'Copy results as text' }).click()
  const text = await page.evaluate(() => navigator.clipboard.readText())
  expect(text).toMatch(/^Lampas, check of this device\n\d{4}-/)
  expect(text).toMatch(/webgpu, compiled: 42 of 42 right, [\d.]+ s\n {2}.+\n {2}Attention: 9\/9, worst \d+ % of the tolerance\n {2}Autograd programs: 33\/33/)
})

test('an op alone, on one device', async ({ page }) => {
  await open(page, 'op=matmul&family=linalg&device=wasm')
  await page.getByRole('checkbox', { name: 'compiled' }).uncheck()
  await check(page)
  await expect(page.getByRole('row').filter({ hasText: 'Linear algebra' })).toContainText('29 right')
  await expect(page.getByRole('columnheader')).toHaveText(['Family', 'Calls', 'wasm, eager'])
})

test('a fault is shown with its reason, and Stop ends the check', async ({ page }) => {
  // One wrong number in the files looks like one wrong result.
  await page.route(/nn_attention.*\.bin/, async route => {
    const body = await (await route.fetch()).body()
    body.fill(0x41)
    await route.fulfill({ body })
  })
  await open(page, 'family=nn_attention&device=wasm&world=eager')
  await page.getByRole('button', { name: 'Start' }).click()
  await expect(page.getByRole('status')).toHaveText('Done, with failures')
  const fault = page.getByRole('listitem').first()
  await expect(fault).toBeHidden()
  await page.getByText('9 wrong', { exact: true }).click()
  await expect(fault).toContainText(/^nn_attention\/nn\.functional\.scaled_dot_product_attention\/0 and \d more on wasm, eager: (output|gradient \d)\[\d+\] is [\d.]+, want 12\./)

  await open(page, 'device=webgpu')
  await page.reload()
  await expect(page.getByRole('status')).toHaveText('Ready')
  await page.getByRole('button', { name: 'Start' }).click()
  await expect(page.getByRole('status')).toContainText('webgpu, eager')
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect(page.getByRole('status')).toHaveText('Stopped')
  await expect(page.getByRole('button', { name: 'Start' })).toBeFocused()
})

for (const theme of ['light', 'dark'] as const)
  for (const width of [390, 1280])
    test(`check page, ${theme}, ${width} px: no fault that axe finds, nothing wider than the screen`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: theme })
      await page.setViewportSize({ width, height: 844 })
      await open(page, 'family=nn_attention')
      await check(page)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']).analyze()
      expect(violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.target.join(' ')).join(', ')}`)).toEqual([])
    })
