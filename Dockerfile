# The service: core + serve, without torch, as a user that may write nowhere but /data.
#   docker build -t multimodal .
#   docker run -p 8000:8000 -v ./artifacts:/bundles:ro -v multimodal:/data multimodal
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY api api
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-compile ".[serve]" "psycopg[binary]"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home /data multimodal && mkdir /data && chown multimodal /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 \
    MULTIMODAL_BUNDLE=/bundles/fashion MULTIMODAL_DATABASE=sqlite:////data/multimodal.db
USER multimodal
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
CMD ["multimodal", "serve", "--host", "0.0.0.0", "--port", "8000"]
