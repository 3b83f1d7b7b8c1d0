/** An error in the shape of OpenAI's, as everywhere in this project. */
export function errorBody(status: number, message: string, code: string) {
  return { error: { message, type: status < 500 ? 'invalid_request_error' : 'server_error', code, param: null } };
}
