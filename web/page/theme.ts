// Light, dark, or as the system says. Colours live in the style sheet; canvases ask for them here.

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'lampas-theme'
const order: readonly Theme[] = ['system', 'light', 'dark']
const root = document.documentElement
const listeners = new Set<() => void>()
const resolved = new Map<string, string>()

const isTheme = (v: unknown): v is Theme => order.some(t => t === v)

export function currentTheme(): Theme {
  const { theme } = root.dataset
  return isTheme(theme) ? theme : 'system'
}

export const nextTheme = (): Theme => order[(order.indexOf(currentTheme()) + 1) % order.length]

export function setTheme(theme: Theme): void {
  if (theme === 'system') delete root.dataset.theme
  else root.dataset.theme = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // Storage may be switched off; the choice then lasts as long as the page.
  }
  changed()
}

export function restoreTheme(): void {
  try {
    const saved = localStorage.getItem(KEY)
    if (isTheme(saved) && saved !== 'system') root.dataset.theme = saved
  } catch {
    // As above.
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed)
}

/** Calls back when the colours have changed. */
export const onThemeChange = (listener: () => void): void => void listeners.add(listener)

function changed(): void {
  resolved.clear()
  listeners.forEach(listener => listener())
}

/** What a colour variable of the style sheet is at present: `color('--flame')`. */
export function color(variable: string): string {
  let value = resolved.get(variable)
  if (value === undefined) {
    const probe = document.createElement('span')
    probe.style.color = `var(${variable})`
    document.body.append(probe)
    value = getComputedStyle(probe).color
    probe.remove()
    resolved.set(variable, value)
  }
  return value
}
