// Command pulumi-resource-kubernetes is Pulumi's official Kubernetes provider, built from its own Go module for
// machines that can't download the plugin. It serves without the schema and the Terraform mapping of a released
// plugin, which are read only by code generators and converters.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

// version is that of the npm package @pulumi/kubernetes, set by the linker: the engine asks for the plugin of its SDK's version.
var version string

func main() {
	provider.Serve("kubernetes", version, []byte("{}"), []byte("{}"))
}
