# newsletter in a container: `docker build --tag newsletter .`, then
# `docker run --rm --volume "$PWD:/letters" newsletter check posts/2026-03-02.md`. examples/compose.yaml runs it for good.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY newsletter newsletter
COPY templates templates
COPY docs/newsletter.1 docs/newsletter.1
RUN python -m venv /opt/newsletter && /opt/newsletter/bin/pip install --no-cache-dir '.[cluster]'

FROM python:3.13-slim
# Settings, posts and ledger live in /letters: the folder on your disk, owned by user 10001.
RUN useradd --uid 10001 --create-home newsletter && install --directory --owner newsletter /letters
COPY --from=build /opt/newsletter /opt/newsletter
ENV PATH=/opt/newsletter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER newsletter
WORKDIR /letters
VOLUME /letters
EXPOSE 8080
ENTRYPOINT ["newsletter"]
CMD ["--help"]
