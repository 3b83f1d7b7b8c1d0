/** The template of a chat adds about this many tokens a message. */
const TOKENS_A_MESSAGE = 4;
const FIRST_WIDE_UNIT = 0x2e80;

/** About as many tokens as a real tokenizer finds: one for four narrow characters, one for each wide one (Chinese, emoji); at least 1. */
export function tokensOfText(text: string): number {
  let wide = 0;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) >= FIRST_WIDE_UNIT) wide += 1;
  return Math.max(1, wide + Math.ceil((text.length - wide) / 4));
}

/** Counts every text in the messages; parts that hold no text (images, audio) count nothing. */
export function tokensOfMessages(messages: readonly unknown[]): number {
  return messages.reduce<number>((sum, message) => sum + TOKENS_A_MESSAGE + tokensOfContent(contentOf(message)), 0);
}

/** The prompts of `prompt` or `input`: texts or lists of token ids, one or several; undefined if it is none of these. */
export function promptSizes(prompt: unknown): readonly number[] | undefined {
  if (typeof prompt === 'string') return [tokensOfText(prompt)];
  if (!Array.isArray(prompt) || prompt.length === 0) return undefined;
  const items: readonly unknown[] = prompt;
  if (items.every((item) => typeof item === 'string')) return items.map(tokensOfText);
  if (isTokenIds(items)) return [items.length];
  return items.every((item) => isTokenIds(item)) ? items.map((item) => item.length) : undefined;
}

function isTokenIds(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item));
}

function contentOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'content' in value ? value.content : undefined;
}

function tokensOfContent(content: unknown): number {
  if (typeof content === 'string') return tokensOfText(content);
  if (!Array.isArray(content)) return 0;
  return content.reduce<number>((sum, part) => sum + tokensOfPart(part), 0);
}

function tokensOfPart(part: unknown): number {
  const hasText = typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string';
  return hasText ? tokensOfText(part.text as string) : 0;
}
