/**
 * True if the target's path means the same to everyone who reads it: no dot segments, no backslashes, no control characters and no broken
 * escapes, neither plain nor percent-encoded. Only such a path is passed on to a place that may read it in its own way.
 */
export function isPlainPath(target: string): boolean {
  const query = target.indexOf('?');
  const path = decoded(query === -1 ? target : target.slice(0, query));
  return path !== undefined && !/[\\\p{Cc}]/u.test(path) && !path.split('/').some((segment) => segment === '.' || segment === '..');
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
