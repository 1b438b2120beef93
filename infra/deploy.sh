#!/usr/bin/env bash
# Uploads the packaged functions and templates and brings the stack up to date; prints the stack's outputs.
# NAME begins every resource's name; PARAMETERS are Key=Value pairs for the template's parameters.
set -euo pipefail
folder=${FOLDER:-$(dirname "$0")}
name=${NAME:-carelake}
for function in ingest conform publish train score maintain; do
  [[ -x $folder/build/$function/bootstrap ]] || { echo "$folder/build/$function/bootstrap is not there: run make package first" >&2; exit 2; }
done
command -v aws >/dev/null || { echo "the AWS command line is not on the path: run make deploy, which installs it" >&2; exit 2; }
region=$(aws configure get region || true)
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$region}}
[[ -n $region ]] || { echo "no region: set AWS_REGION, such as eu-central-1" >&2; exit 2; }
export AWS_DEFAULT_REGION=$region

account=$(aws sts get-caller-identity --query Account --output text)
code=$name-code-$account
if ! aws s3api head-bucket --bucket "$code" >/dev/null 2>&1; then
  aws s3 mb "s3://$code" >/dev/null
  aws s3api put-public-access-block --bucket "$code" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
fi
aws cloudformation package --template-file "$folder/template.yaml" --s3-bucket "$code" --s3-prefix "$name" \
  --output-template-file "$folder/build/packaged.yaml" >/dev/null
# shellcheck disable=SC2086 # several pairs are several words
aws cloudformation deploy --template-file "$folder/build/packaged.yaml" --stack-name "$name" --s3-bucket "$code" \
  --s3-prefix "$name" --capabilities CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND --no-fail-on-empty-changeset \
  --parameter-overrides "Name=$name" ${PARAMETERS:-}
aws cloudformation describe-stacks --stack-name "$name" --output table \
  --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]'
