// Sizes and types as people read them.

export const shapeText = (shape: readonly number[] | null): string => (shape === null ? '[?]' : `[${shape.join(', ')}]`)

export const typeText = ({ dtype, shape, bytes }: { readonly dtype: string | null; readonly shape: readonly number[] | null; readonly bytes: number | null }): string =>
  `${dtype ?? 'any'} ${shapeText(shape)}${bytes === null ? '' : `, ${bytesText(bytes)}`}`

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'KB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB']
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`
}

export const msText = (ms: number): string => (ms < 0.1 ? `${(ms * 1000).toFixed(0)} µs` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`)

export const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`
