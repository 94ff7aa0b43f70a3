const token: string = "identifier";
const password = this.form.value.password;
const apiKey = import.meta.env.VITE_API_KEY;
export const AUTH_TOKEN = 'auth/setToken';
fetch(`/api?token=${token}&key=${apiKey}`, { headers: { Authorization: `Bearer ${token}` } });
const type = { password: 'string', secret: 'text', apiKey: 'query-parameter' };
