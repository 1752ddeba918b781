/** Sub-reasons of error 1003 that the documentation and clients name (fact sheet 3 and 8.2). */
export const limitReasons = [
  'LIMIT api_concurrent',
  'LIMIT avl_evts',
  'LIMIT login',
  'LIMIT sessions',
  'LAYERS_MAX_COUNT',
  'NO_SESSION',
  'LOCKER_ERROR',
  'limit exceeded',
  'Accept-Encoding is not gzip',
] as const;
