/** `/openapi.json` and Swagger UI at `/docs`, from files of the installed package: nothing is fetched from elsewhere. */
import path from 'node:path';
import express, { Router } from 'express';

const UI_FOLDER = path.dirname(require.resolve('swagger-ui-dist/swagger-ui-bundle.js'));

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>WLOps API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/init.js"></script></body>
</html>
`;
const INIT = "window.onload = () => SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', persistAuthorization: false });\n";

/** Serves the OpenAPI `document` and the page that shows it; public. */
export function docsRoutes(document: object): Router {
  const router = Router();
  router.get('/openapi.json', (_req, res) => void res.json(document));
  router.get('/docs', (_req, res) => void res.type('html').send(PAGE));
  router.get('/docs/init.js', (_req, res) => void res.type('js').send(INIT));
  router.use('/docs', express.static(UI_FOLDER, { index: false, redirect: false }));
  return router;
}
