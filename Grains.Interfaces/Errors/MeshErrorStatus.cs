using Grpc.Core;

namespace Mesh.Grains.Interfaces.Errors;

/// <summary>What a refusal is called in gRPC, at the silo and at the ProxyHost alike. Clients branch on it.</summary>
public static class MeshErrorStatus
{
    /// <summary>The status that a caller is given.</summary>
    public static StatusCode ToStatusCode(this MeshError error) => error switch
    {
        MeshError.InvalidRequest => StatusCode.InvalidArgument,
        MeshError.NotReady or MeshError.Stale => StatusCode.Unavailable,
        MeshError.TokenRejected => StatusCode.Unauthenticated,
        MeshError.NotPermitted or MeshError.Revoked => StatusCode.PermissionDenied,
        MeshError.SupersededKey or MeshError.Conflict => StatusCode.FailedPrecondition,
        MeshError.NotFound => StatusCode.NotFound,
        MeshError.LimitReached => StatusCode.ResourceExhausted,
        _ => StatusCode.Unknown,
    };
}
