# The server as one static binary, in an image that holds nothing else. The binary is that of "make build", to the byte, where
# the Go and the commit are the same: docker build --build-arg COMMIT=$(git rev-parse HEAD) .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The context has no history to ask.
ARG COMMIT=
RUN make sbom OUT=/out/grantd COMMIT=$COMMIT DIST=/out/doc && mkdir -p /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/grantd /usr/local/bin/grantd
# What it is made of, and the licences of that.
COPY --from=build /out/doc /usr/share/doc/grantd
# The database of SQLite lives here; mount a volume over it.
COPY --from=build --chown=nonroot:nonroot /out/data /var/lib/grantd
# By number: Kubernetes cannot tell that a name is not root.
USER 65532:65532
WORKDIR /var/lib/grantd
ENV GRANTD_LISTEN=0.0.0.0:8000 GRANTD_DATABASE=sqlite:/var/lib/grantd/grantd.db
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/local/bin/grantd", "check", "--running"]
ENTRYPOINT ["/usr/local/bin/grantd"]
CMD ["serve", "--migrate"]
