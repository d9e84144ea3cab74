// oidc-provider with two people: taro shows a password whatever is asked, hanako two factors.
import Provider from 'oidc-provider';

const [port, clientId, secret, callback] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const MFA = 'https://refeds.org/profile/mfa';
const people = {
  taro: {
    email: 'taro@op.example.ac.jp', email_verified: true, name: 'Taro Tsukuba', 'name#ja': '筑波 太郎',
    eduperson_assurance: ['https://www.gakunin.jp/profile/IAL2'],
    eduperson_scoped_affiliation: ['staff@op.example.ac.jp', 'member@elsewhere.example.ac.jp'],
    entitlements: ['urn:geant:example.org:group:lab:role=manager#aai.example.org'],
    eduperson_orcid: 'https://orcid.org/0000-0002-1825-0097',
  },
  hanako: { email: 'owner@example.org', email_verified: false, name: 'Hanako' },
};

const provider = new Provider(issuer, {
  clients: [{ client_id: clientId, client_secret: secret, redirect_uris: [callback], response_types: ['code'], grant_types: ['authorization_code'] }],
  cookies: { keys: ['of the tests'] },
  acrValues: [MFA],
  conformIdTokenClaims: false,
  claims: {
    openid: ['sub', 'acr', 'auth_time', 'eduperson_assurance', 'eduperson_scoped_affiliation', 'entitlements', 'eduperson_orcid'],
    email: ['email', 'email_verified'],
    profile: ['name', 'name#ja'],
  },
  findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, ...people[id] }) }),
  interactions: { url: (_ctx, interaction) => `/go/${interaction.uid}` },
  features: { devInteractions: { enabled: false } },
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/go/')) return next();
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === 'consent') {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId: await grant.save() } });
  }
  const user = ctx.query.user;
  if (user === 'nobody') {
    return provider.interactionFinished(ctx.req, ctx.res, { error: 'access_denied' });
  }
  if (people[user]) {
    const login = { accountId: user, remember: false, ...(user === 'hanako' ? { acr: MFA, amr: ['pwd', 'otp'] } : {}) };
    return provider.interactionFinished(ctx.req, ctx.res, { login });
  }
  ctx.type = 'html';
  ctx.body = '<form method="get"><input name="user"><button>Sign in</button></form>';
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
