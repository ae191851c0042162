/** The AWS SDK signs every request. The local stack looks at no signature. */
export const LOCAL_CREDENTIALS = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};

/** The same for processes that read their configuration from the environment. */
export const LOCAL_CREDENTIALS_ENVIRONMENT = {
  AWS_REGION: LOCAL_CREDENTIALS.region,
  AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.credentials.secretAccessKey,
};
