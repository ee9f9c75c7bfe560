// First sentences of the doc comments, by public name. They are a fifth of the page's code, so they come after it.

const sentences: Record<string, string> = {}

/** Resolves when they are there; without them the page works just as well. */
export const docsLoaded: Promise<void> = import('virtual:lampas-docs').then(({ default: all }) => void Object.assign(sentences, all), () => {})

export const sentenceOn = (name: string): string | undefined => (Object.hasOwn(sentences, name) ? sentences[name] : undefined)
