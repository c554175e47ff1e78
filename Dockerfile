# syntax=docker/dockerfile:1

# `handful serve` in an image that has one file: the program, without shared libraries. docs/serving.md says how to run it.
FROM rust:1.95-bookworm AS build
WORKDIR /handful
COPY . .
RUN make static

FROM scratch
COPY --from=build /handful/target/static/handful /handful
# Nobody in particular: there is no list of users, and nothing to own.
USER 65532:65532
EXPOSE 7878
# There is no HEALTHCHECK, which would need a shell or curl in the image: ask /healthz from outside.
ENTRYPOINT ["/handful"]
CMD ["serve", "--addr", "0.0.0.0:7878"]
